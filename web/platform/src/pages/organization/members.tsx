import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="members" />;

export default Page;
