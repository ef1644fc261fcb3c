import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="activity" />;

export default Page;
