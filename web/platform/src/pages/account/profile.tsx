import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="profile" />;

export default Page;
